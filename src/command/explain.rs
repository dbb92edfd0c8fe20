//! `lvsctl explain`: what a check of `verify` proves. docs/checks.md has the same texts.

use crate::check::{Check, registry};
use crate::cli::{ExplainArgs, Format, Global};
use crate::exit::Exit;
use crate::report;

use super::Result;
use super::output::show;

pub(super) fn run(global: &Global, args: &ExplainArgs) -> Result<Exit> {
    // The command line takes no other ids.
    let one: Option<&'static Check> = args.check.as_deref().and_then(registry::find);
    show(global, |out, style| match (one, args.format.format) {
        (Some(check), Format::Json) => report::explain::json(out, &[check]),
        (None, Format::Json) => report::explain::json(out, registry::ALL),
        (Some(check), Format::Text) => report::explain::text(out, check, style),
        (None, Format::Text) => report::explain::list(out, registry::ALL, style),
    })?;
    Ok(Exit::Done)
}
