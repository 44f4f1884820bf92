//! `beanship events`: an environment's latest events, and with `--follow` the new ones.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::aws::Aws;
use crate::cli::EventsArgs;
use crate::deploy::board::sleep;
use crate::deploy::environment;
use crate::deploy::events::{self, Event, Follower};
use crate::error::{Exit, Kind, Result};
use crate::output::Report;

use super::{Context, signal, status};

/// The pause between two looks.
const PACE: Duration = Duration::from_secs(3);

/// Runs the command. With `--follow`, Ctrl-C is the usual end and no failure.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there; else what AWS says.
pub async fn run(cx: &Context, args: &EventsArgs) -> Result<Exit> {
    let target = cx.target(
        args.target.application.app.as_deref(),
        args.target.env.as_deref(),
    )?;
    let latest = async {
        let aws = cx.aws().await?;
        let looks = async {
            let (found, latest) = tokio::join!(
                environment::find(&aws, &target.environment),
                events::read(&aws, &target.environment, None, usize::from(args.lines)),
            );
            found?.ok_or_else(|| status::missing(&target, &aws.region))?;
            latest
        };
        let latest = aws.first_contact(looks).await?;
        Ok((aws, latest))
    };
    let (aws, latest) = cx.interruptible(latest).await?;
    if !args.follow {
        cx.out.result(&Latest { events: latest });
        return Ok(Exit::Done);
    }
    let mut follower = Follower::behind(&latest);
    let mut shown = Latest { events: latest };
    for event in shown.events.iter().rev() {
        tell(cx, event);
    }
    let end = tokio::select! {
        end = follow(cx, &aws, &target.environment, &mut follower, &mut shown.events) => end,
        () = signal() => Ok(()),
    };
    if cx.out.format() == crate::cli::Format::Json {
        cx.out.result(&shown);
    }
    end.map(|()| Exit::Done)
}

/// An event is a line of the result; where that is one document in the end, of the narrative.
fn tell(cx: &Context, event: &Event) {
    if cx.out.format() == crate::cli::Format::Json {
        cx.out.event(&event.told());
    } else {
        cx.out.line(&status::line(event));
    }
}

/// Tells new events until an error that will not pass.
async fn follow(
    cx: &Context,
    aws: &Aws,
    environment: &str,
    follower: &mut Follower,
    shown: &mut Vec<Event>,
) -> Result<()> {
    let never = Instant::now() + Duration::from_secs(365 * 24 * 3600);
    loop {
        sleep(PACE, never).await;
        match follower.poll(aws, environment).await {
            Ok(news) => {
                for event in news {
                    tell(cx, &event);
                    shown.insert(0, event);
                }
            }
            Err(error) if matches!(error.kind(), Kind::Denied | Kind::Credentials) => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
}

#[derive(Debug, Serialize)]
struct Latest {
    /// Newest first, as the service gives them.
    events: Vec<Event>,
}

impl Report for Latest {
    fn human(&self) -> String {
        if self.events.is_empty() {
            return "there are no events".into();
        }
        status::lines(&self.events)
    }
}
