//! Asks on the terminal for what cannot be known; an empty answer takes what stands in brackets.

use crate::commands::Context;
use crate::error::{Error, Kind, Result, reason};
use crate::init::Ci;
use crate::init::propose::{Known, Wishes};
use crate::output::Event;
use clap::ValueEnum;

use super::account;

/// Fills in what neither a flag nor a file says.
pub(super) async fn ask(cx: &Context, known: &Known, wishes: &mut Wishes) -> Result<()> {
    let said = |of: fn(&crate::init::Found) -> bool| known.found.iter().any(of);
    if wishes.region.is_none() && !said(|found| found.region.is_some()) {
        let usual = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let usual = usual.iter().find_map(|name| cx.settings.environ.get(name));
        wishes.region = Some(
            question(
                cx,
                "AWS region, like eu-central-1",
                usual.map(str::to_owned),
                is_region,
            )
            .await?,
        );
    }
    let named = said(|found| found.app.is_some());
    let placed = said(|found| !found.environments.is_empty()) || wishes.name.is_some();
    let account = match (&wishes.region, named && placed) {
        (Some(region), false) => account::look(cx, region).await,
        _ => Vec::new(),
    };
    if wishes.app.is_none() && !named {
        offer(
            cx,
            "applications",
            account.iter().map(|it| it.name.as_str()),
        );
        let first = account.first().map(|it| it.name.clone());
        let usual = first.unwrap_or_else(|| known.app());
        wishes.app = Some(question(cx, "Application", Some(usual), |_| true).await?);
    }
    if !placed && wishes.key.is_none() {
        let app = wishes.app.clone().unwrap_or_else(|| known.app());
        let environments = account.iter().find(|it| it.name == app);
        let environments = environments.map_or(&[][..], |it| &it.environments);
        offer(cx, "environments", environments.iter().map(String::as_str));
        let first = environments.first().cloned();
        let usual = first.unwrap_or_else(|| format!("{app}-production"));
        wishes.name = Some(question(cx, "Environment", Some(usual), |_| true).await?);
    }
    if wishes.ci.is_none() {
        let names: Vec<String> = Ci::value_variants().iter().filter_map(word).collect();
        let usual = word(&known.ci());
        let text = format!("CI ({})", names.join(", "));
        let answer = question(cx, &text, usual, |it| Ci::from_str(it, true).is_ok()).await?;
        wishes.ci = Ci::from_str(&answer, true).ok();
    }
    Ok(())
}

fn word(ci: &Ci) -> Option<String> {
    Some(ci.to_possible_value()?.get_name().to_owned())
}

fn offer<'a>(cx: &Context, what: &str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<&str> = names.collect();
    if !names.is_empty() {
        let text = format!("{what} in this account: {}", names.join(", "));
        cx.out.event(&Event::Note(&text));
    }
}

/// Whether it is written like the name of a region.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_lowercase());
    parts.next().is_some_and(is_number) && parts.clone().count() > 1 && parts.all(is_word)
}

/// Asks until there is an answer that fits.
async fn question(
    cx: &Context,
    text: &str,
    usual: Option<String>,
    fits: impl Fn(&str) -> bool,
) -> Result<String> {
    let prompt = match &usual {
        Some(usual) => format!("{text} [{usual}]"),
        None => text.to_owned(),
    };
    loop {
        let (out, prompt) = (cx.out.clone(), prompt.clone());
        // On a thread of its own, so that a signal ends the command meanwhile.
        let asked = tokio::task::spawn_blocking(move || out.question(&prompt)).await;
        let answer = asked
            .map_err(|why| why.to_string())
            .and_then(|answer| answer.map_err(|why| reason(&why)))
            .map_err(|why| Error::new(Kind::Io, format!("cannot ask: {why}")))?;
        if let Some(answer) = Some(answer)
            .filter(|it| !it.is_empty())
            .or_else(|| usual.clone())
        {
            if fits(&answer) {
                return Ok(answer);
            }
            cx.out
                .event(&Event::Note(&format!("`{answer}` is none: {text}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_from_other_words() {
        for region in ["eu-central-1", "us-gov-west-1", "ap-northeast-2"] {
            assert!(is_region(region), "{region}");
        }
        for other in ["shop", "eu-central", "eu-1", "Eu-central-1", "-1", ""] {
            assert!(!is_region(other), "{other}");
        }
    }
}
