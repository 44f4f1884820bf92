//! The commands that help, made from what a log tells. A log may hold anything, so only what no
//! shell understands goes from there into a command.

use super::known::Found;

/// The action that is missing, with the statement that allows it.
pub(super) fn permission(found: &Found<'_>) -> String {
    let after = |words: &str| {
        let (_, rest) = found.line.split_once(words)?;
        Some(word(rest.trim_start_matches(['\'', '"']))).filter(|word| !word.is_empty())
    };
    let action =
        after("not authorized to perform: ").or_else(|| after("permission to perform the "));
    let Some(action) = action else {
        return format!(
            "see which action it is: `beanship events --env {}`",
            found.environment
        );
    };
    let resource = after("on resource: ").unwrap_or("*");
    let statement = grant(action, resource, role(found).unwrap_or("ROLE"));
    format!("allow the action {action}: {statement}")
}

/// The role that a line names.
fn role<'a>(found: &Found<'a>) -> Option<&'a str> {
    let (_, rest) = found.line.split_once(":assumed-role/")?;
    word(rest).split('/').next().filter(|role| !role.is_empty())
}

/// The name, ARN or path that a text begins with. It comes from a log, where anything may stand,
/// and goes into a command that is shown: so nothing counts that a shell would understand.
fn word(text: &str) -> &str {
    let usual = |char: char| char.is_ascii_alphanumeric() || "-_./:*@+=,".contains(char);
    let end = text.find(|char| !usual(char)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ':', ','])
}

/// The command that adds a statement to a role.
pub(super) fn grant(action: &str, resource: &str, role: &str) -> String {
    let name: String = action
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char
            } else {
                '-'
            }
        })
        .collect();
    format!(
        "`aws iam put-role-policy --role-name {role} --policy-name {name} --policy-document '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}}]}}'`"
    )
}

/// The role that the instances have, as far as a line tells; else the one they usually have.
pub(super) fn profile_role<'a>(found: &Found<'a>) -> &'a str {
    role(found).unwrap_or("aws-elasticbeanstalk-ec2-role")
}

/// The command that changes an option of the environment.
pub(super) fn setting(
    found: &Found<'_>,
    why: &str,
    namespace: &str,
    name: &str,
    value: &str,
) -> String {
    format!(
        "{why}: `aws elasticbeanstalk update-environment --environment-name {} --option-settings Namespace={namespace},OptionName={name},Value={value}`",
        found.environment
    )
}

/// The hook that a line is about, from the bundle's root.
pub(super) fn hook(line: &str) -> &str {
    let Some(at) = line.find(".platform/") else {
        return ".platform/hooks/*/*";
    };
    word(&line[at..]).split(':').next().unwrap_or_default()
}
