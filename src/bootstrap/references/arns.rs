//! ARNs and patterns of them, from what a project names. Pure.

use super::super::names::Place;

/// The pattern of a secret's ARN, from its name or ARN.
pub(super) fn secret(place: &Place, id: &str) -> String {
    if !id.starts_with("arn:") {
        return place.secret(id);
    }
    match id.rsplit_once('-') {
        Some((name, end)) if end.len() == 6 => format!("{name}-??????"),
        _ => format!("{id}-??????"),
    }
}

/// The ARN of a parameter, from its name or ARN.
pub(super) fn parameter(place: &Place, name: &str) -> String {
    match name.starts_with("arn:") {
        true => name.to_owned(),
        false => place.arn(
            "ssm",
            &format!("parameter/{}", name.trim_start_matches('/')),
        ),
    }
}

/// The ARN of a key; an alias does not lead to it.
pub(super) fn key_arn(place: &Place, named: &str) -> Option<String> {
    match named {
        arn if arn.starts_with("arn:") && arn.contains(":key/") => Some(arn.to_owned()),
        other if other.contains("alias/") => None,
        id => Some(place.arn("kms", &format!("key/{id}"))),
    }
}

/// The ARN of the repository that an image comes from, if that is ECR.
pub(super) fn repository(place: &Place, image: &str) -> Option<String> {
    let (host, rest) = image.split_once('/')?;
    let (account, rest_of_host) = host.split_once(".dkr.ecr.")?;
    let (region, _) = rest_of_host.split_once(".amazonaws.com")?;
    let name = rest.split('@').next()?.split(':').next()?;
    // A variable in the name: any repository that fits the rest.
    let name = match name.split_once('$') {
        Some((start, _)) => format!("{start}*"),
        None => name.to_owned(),
    };
    let partition = place.partition();
    Some(format!(
        "arn:{partition}:ecr:{region}:{account}:repository/{name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::names::sample;

    #[test]
    fn ids_become_arns_and_patterns() {
        let place = sample();
        let lines = [
            secret(&place, "prod/mysql"),
            secret(
                &place,
                "arn:aws:secretsmanager:eu-west-1:1:secret:prod/mysql-AbCdEf",
            ),
            secret(&place, "arn:aws:secretsmanager:eu-west-1:1:secret:prod"),
            parameter(&place, "/shop/key"),
            repository(
                &place,
                "2.dkr.ecr.us-east-1.amazonaws.com/team/web:1.2@sha256:x",
            )
            .unwrap_or_default(),
            repository(&place, "2.dkr.ecr.us-east-1.amazonaws.com/team/${X}").unwrap_or_default(),
            format!("{:?}", repository(&place, "nginx:1.27")),
            format!("{:?}", key_arn(&place, "1234-ab")),
            format!("{:?}", key_arn(&place, "alias/mine")),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        arn:aws:secretsmanager:eu-west-1:1:secret:prod/mysql-??????
        arn:aws:secretsmanager:eu-west-1:1:secret:prod/mysql-??????
        arn:aws:secretsmanager:eu-west-1:1:secret:prod-??????
        arn:aws:ssm:eu-west-1:1:parameter/shop/key
        arn:aws:ecr:us-east-1:2:repository/team/web
        arn:aws:ecr:us-east-1:2:repository/team/*
        None
        Some("arn:aws:kms:eu-west-1:1:key/1234-ab")
        None
        "#);
    }
}
