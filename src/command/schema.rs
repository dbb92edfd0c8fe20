//! `lvsctl schema`: the form of the inventory, generated from its types.

use crate::cli::{SchemaArgs, SchemaFormat};
use crate::exit::Exit;
use crate::inventory;

use super::{Failure, Result, print};

pub(super) fn run(args: &SchemaArgs) -> Result<Exit> {
    let text = match args.format {
        SchemaFormat::Json => {
            serde_json::to_string_pretty(&inventory::schema())
                .map_err(|e| Failure::of(Exit::Failed, &e))?
                + "\n"
        }
        SchemaFormat::Markdown => inventory::markdown(),
    };
    print(&text)?;
    Ok(Exit::Done)
}
