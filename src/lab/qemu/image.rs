//! The kernel for QEMU, its modules, and the first root file system that mounts this machine's: unpacked from Debian's
//! packages, of which none is installed.

use std::path::{Path, PathBuf};

use super::super::error::LabError;
use super::super::image::{Recipe, ensure as ensure_image};
use crate::cancel::CancelToken;

/// The parts of the folder.
pub(super) const KERNEL: &str = "vmlinuz";
pub(super) const INITRD: &str = "initrd";
/// What a host has as `/lib/modules`.
pub(in crate::lab) const MODULES: &str = "modules";

const SUITE: &str = "bookworm";

/// The folder with kernel, modules and first root file system; made where the cache has none.
pub(in crate::lab) fn ensure(
    cache: &Path,
    cancel: &CancelToken,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, LabError> {
    let recipe = Recipe {
        suite: SUITE,
        options: &["--variant=extract"],
        packages: &["linux-image-amd64", "busybox-static"],
        hook: "extract",
        script: include_str!("image.sh"),
        environment: &[("INIT", include_str!("init.sh"))],
    };
    ensure_image(cache, &recipe, cancel, say)
}
