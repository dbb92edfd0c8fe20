//! `lvsctl render`: the files and commands of a host, without contacting it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;

use crate::cli::{Global, Os, RenderArgs};
use crate::exit::Exit;
use crate::report::render;
use crate::resource::Resource;
use crate::resource::distribution::{Distribution, Family};
use crate::secret;

use super::{Failure, Result, context, print, secrets};

pub(super) fn run(global: &Global, args: &RenderArgs) -> Result<Exit> {
    let context = context::load_for(global, |host| host.name == args.host)?;
    let host = context
        .cluster()
        .hosts
        .iter()
        .find(|host| host.name == args.host)
        .ok_or_else(|| {
            let names: Vec<&str> = context
                .cluster()
                .hosts
                .iter()
                .map(|host| host.name.as_str())
                .collect();
            Failure::new(
                Exit::Usage,
                format!(
                    "error: no host is named {:?}; the hosts are {}\n",
                    args.host,
                    names.join(", ")
                ),
            )
        })?;
    let family = match args.os {
        Os::Debian => Family::Debian,
        Os::Rhel => Family::Rhel,
        Os::Suse => Family::Suse,
        Os::Alpine => Family::Alpine,
    };
    let resources = context.desired_on(host, &Distribution::new(family))?;
    let show = |text: &str| -> Result<String> {
        if args.show_secrets {
            let secrets = secrets::read(global, &context, true)?;
            let text =
                secret::reveal(text, &secrets).map_err(|e| Failure::of(Exit::Invalid, &e))?;
            return Ok(text.to_string());
        }
        Ok(secret::mask(text))
    };
    let Some(folder) = &args.output else {
        print(&show(&render::text(&host.name, &resources))?)?;
        return Ok(Exit::Done);
    };
    let mut out = render::heading(&host.name, resources.len());
    for resource in &resources {
        if let Resource::File(file) = resource {
            let path = folder.join(file.path.trim_start_matches('/'));
            write(&path, &show(&file.content)?).map_err(|e| {
                Failure::new(Exit::Failed, format!("error: {}: {e}\n", path.display()))
            })?;
            out.push_str(&format!("{}\n", path.display()));
        }
    }
    print(&out)?;
    Ok(Exit::Done)
}

/// Files may hold secrets: they are for their owner.
fn write(path: &std::path::Path, content: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content.as_bytes())
}
