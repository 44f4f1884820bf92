//! An explanation in words: what failed, the lines that matter under their file's name, the
//! likely cause, and where the whole logs are.

use super::causes::Cause;
use super::{Explanation, Instance, shown};

/// The most failed instances that are told one by one.
const TOLD: usize = 5;

impl Explanation {
    /// The explanation for people; empty when there is nothing to say.
    #[must_use]
    pub fn human(&self) -> String {
        let mut parts = Vec::new();
        if !self.instances.is_empty() {
            parts.push(self.failed_instances());
        }
        for excerpt in &self.excerpts {
            let lines: String = excerpt
                .lines
                .iter()
                .map(|line| format!("\n  | {line}"))
                .collect();
            parts.push(format!(
                "{} ({}){lines}",
                excerpt.file,
                several(&excerpt.instances)
            ));
        }
        if !self.causes.is_empty() {
            let is_shown = |line: &String| {
                self.excerpts
                    .iter()
                    .any(|excerpt| excerpt.lines.contains(line))
            };
            let one = |cause: &Cause| {
                if is_shown(&cause.evidence) {
                    return format!("  {}", cause.what);
                }
                format!("  {}\n  | {}", cause.what, cause.evidence)
            };
            let lines: Vec<String> = self.causes.iter().map(one).collect();
            parts.push(format!("Likely cause\n{}", lines.join("\n")));
        }
        if !self.logs.is_empty() {
            let lines: String = self
                .logs
                .iter()
                .map(|path| format!("\n  {}", shown(path)))
                .collect();
            parts.push(format!("Whole logs{lines}"));
        }
        parts.extend(self.remarks.iter().map(|remark| format!("note: {remark}")));
        parts.join("\n")
    }

    fn failed_instances(&self) -> String {
        let one = |instance: &Instance| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
            let causes: String = instance
                .causes
                .iter()
                .map(|cause| format!("\n    {cause}"))
                .collect();
            format!(
                "  {}  health {}, deployment of {} {}{causes}",
                instance.id,
                text(&instance.health),
                text(&instance.version_label),
                text(&instance.deployment).to_lowercase(),
            )
        };
        let mut lines: Vec<String> = self.instances.iter().take(TOLD).map(one).collect();
        if self.instances.len() > TOLD {
            lines.push(format!("  and {} more", self.instances.len() - TOLD));
        }
        format!("Failed instances\n{}", lines.join("\n"))
    }
}

/// `i-1, i-2 and 3 more`
fn several(instances: &[String]) -> String {
    match instances {
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}
