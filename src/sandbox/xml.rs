//! A writer for the XML that AWS's query protocol answers with.

use std::fmt::Display;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

/// An XML document under construction, kept in memory.
#[derive(Clone)]
pub(super) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub(super) fn new() -> Self {
        Self(Writer::new(Vec::new()))
    }

    /// An element with elements in it.
    pub(super) fn group(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.emit(Event::Start(BytesStart::new(name)));
        inner(self);
        self.emit(Event::End(BytesEnd::new(name)));
    }

    /// The outermost element, which names its namespace.
    pub(super) fn root(&mut self, name: &str, namespace: &str, inner: impl FnOnce(&mut Self)) {
        self.emit(Event::Start(
            BytesStart::new(name).with_attributes([("xmlns", namespace)]),
        ));
        inner(self);
        self.emit(Event::End(BytesEnd::new(name)));
    }

    /// An element with text in it; characters that XML 1.0 cannot carry are dropped.
    pub(super) fn text(&mut self, name: &str, value: impl Display) {
        let value: String = value
            .to_string()
            .chars()
            .filter(|&c| c >= ' ' || matches!(c, '\t' | '\n' | '\r'))
            .collect();
        self.group(name, |xml| xml.emit(Event::Text(BytesText::new(&value))));
    }

    /// The element, unless there is no value: absent fields are left out, not empty.
    pub(super) fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(super) fn time(&mut self, name: &str, at: Timestamp) {
        self.text(name, iso(at));
    }

    /// A list as the query protocol writes it: one `member` an item, an empty element for none.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        each: impl FnMut(&mut Self, T),
    ) {
        self.set(name, "member", items, each);
    }

    /// A list whose items have a name of their own.
    pub(super) fn set<T>(
        &mut self,
        name: &str,
        member: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.group(name, |xml| {
            for item in items {
                xml.group(member, |xml| each(xml, item));
            }
        });
    }

    /// A list of plain texts.
    pub(super) fn texts<T: Display>(&mut self, name: &str, items: impl IntoIterator<Item = T>) {
        self.group(name, |xml| {
            for item in items {
                xml.text("member", item);
            }
        });
    }

    /// Puts in what another writer made.
    pub(super) fn append(&mut self, other: Self) {
        self.0.get_mut().extend(other.0.into_inner());
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.0.get_mut().is_empty()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_inner()
    }

    fn emit(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("a Vec takes every byte");
    }
}

/// A time as AWS writes it: UTC with milliseconds.
pub(super) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_leaves_out_and_writes_members() {
        let mut xml = Xml::new();
        xml.root("R", "urn:x", |xml| {
            xml.text("A", "a<b>&\"c\"\u{1}");
            xml.maybe("B", None::<&str>);
            xml.time("T", Timestamp::from_millisecond(1_760_918_462_303).unwrap());
            xml.texts("L", ["x", "y"]);
            xml.list("E", [0_u8; 0], |xml, item| xml.text("never", item));
        });
        assert_eq!(
            String::from_utf8(xml.into_bytes()).unwrap(),
            "<R xmlns=\"urn:x\"><A>a&lt;b&gt;&amp;&quot;c&quot;</A><T>2025-10-20T00:01:02.303Z</T>\
             <L><member>x</member><member>y</member></L><E></E></R>"
        );
    }
}
