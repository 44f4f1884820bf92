//! AWS's query protocol: form parameters in, XML out, and how it says no.

use std::collections::BTreeMap;

use super::xml::Xml;

/// Why a call is refused, in AWS's own codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Failure {
    /// HTTP 400, as nearly everything that the query protocol refuses.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    pub(super) fn with_status(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// One violated constraint of a request's shape, in the sentence all of AWS's query services use.
    pub(super) fn constraint(value: Option<&str>, member: &str, constraint: &str) -> Self {
        let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{value}'"));
        let mut member = member.to_owned();
        member[..1].make_ascii_lowercase();
        Self::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
            ),
        )
    }
}

/// Something of the sandbox itself failed, for instance a full disk.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let message = format!("The sandbox cannot use its state directory: {error}");
        Self::with_status(500, "InternalFailure", message)
    }
}

/// The parameters of a call, or those below a prefix such as `OptionSettings.member.1.`.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads `a=b&c=d`, percent-encoded.
    pub(super) fn parse(form: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(form).into_owned().collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)
            .ok_or_else(|| Failure::constraint(None, name, "Member must not be null"))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Failure::new(
                "MalformedInput",
                format!("'{other}' is not a boolean"),
            )),
        }
    }

    /// A number within AWS's bounds for it.
    pub(super) fn number(
        &self,
        name: &str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number: usize = text
            .parse()
            .map_err(|_| Failure::new("MalformedInput", format!("'{text}' is not a number")))?;
        if number < least {
            let constraint = format!("Member must have value greater than or equal to {least}");
            return Err(Failure::constraint(Some(text), name, &constraint));
        }
        if number > most {
            let constraint = format!("Member must have value less than or equal to {most}");
            return Err(Failure::constraint(Some(text), name, &constraint));
        }
        Ok(Some(number))
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<jiff::Timestamp>, Failure> {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Failure::new("MalformedInput", format!("'{text}' is not a date")))
            })
            .transpose()
    }

    /// `Name.member.1`, `Name.member.2`, …; `None` when the list was not sent at all.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let items = self.flat_texts(&format!("{name}.member"));
        (!items.is_empty()).then_some(items)
    }

    /// `Name.1`, `Name.2`, …: as EC2 writes a list; others put the name of an item between.
    pub(super) fn flat_texts(&self, name: &str) -> Vec<&str> {
        (1..)
            .map_while(|index| self.text(&format!("{name}.{index}")))
            .collect()
    }

    /// `Name.member.N.Field`, one set of parameters an item.
    pub(super) fn items(&self, name: &str) -> Vec<Self> {
        self.flat_items(&format!("{name}.member"))
    }

    /// `Name.N.Field`, as [`Parameters::flat_texts`] for structures.
    pub(super) fn flat_items(&self, name: &str) -> Vec<Self> {
        (1..)
            .map(|index| self.below(&format!("{name}.{index}.")))
            .take_while(|item| !item.0.is_empty())
            .collect()
    }

    /// The parameters of the structure `prefix`, given with its final dot.
    pub(super) fn below(&self, prefix: &str) -> Self {
        let inside = self
            .0
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix));
        Self(
            inside
                .map(|(name, value)| (name[prefix.len()..].to_owned(), value.clone()))
                .collect(),
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `<OperationResponse>` around what the operation wrote; operations without output have no result element.
pub(super) fn success(
    operation: &str,
    namespace: &str,
    mut result: Xml,
    request_id: &str,
) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.root(&format!("{operation}Response"), namespace, |xml| {
        if !result.is_empty() {
            xml.group(&format!("{operation}Result"), |xml| xml.append(result));
        }
        xml.group("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    xml.into_bytes()
}

/// `<ErrorResponse>`, the query protocol's way to say no.
pub(super) fn failure(failure: &Failure, namespace: &str, request_id: &str) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.root("ErrorResponse", namespace, |xml| {
        xml.group("Error", |xml| {
            xml.text(
                "Type",
                if failure.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                },
            );
            xml.text("Code", &failure.code);
            xml.text("Message", &failure.message);
        });
        xml.text("RequestId", request_id);
    });
    xml.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_structures_are_read_in_order() {
        let form = b"Name=a%20b&S.member.1=x&S.member.2=y&O.member.1.K=1&O.member.1.V=2&O.member.10.K=no&B.Key=k";
        let parameters = Parameters::parse(form);
        assert_eq!(parameters.text("Name"), Some("a b"));
        assert_eq!(parameters.texts("S"), Some(vec!["x", "y"]));
        assert_eq!(parameters.texts("T"), None);
        let items = parameters.items("O");
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].text("V"), Some("2"));
        assert_eq!(parameters.below("B.").text("Key"), Some("k"));
    }

    #[test]
    fn a_missing_member_is_named_as_aws_names_it() {
        let failure = Parameters::default()
            .required("ApplicationName")
            .unwrap_err();
        assert_eq!(
            failure.message,
            "1 validation error detected: Value null at 'applicationName' failed to satisfy constraint: \
             Member must not be null"
        );
    }
}
