//! The built-in roles, loaded once for all tests of a program.

use std::sync::LazyLock;

use lvsctl::role::Roles;

static BUILT_IN: LazyLock<Roles> = LazyLock::new(|| Roles::load(None).expect("the built-in roles"));

pub(crate) fn built_in() -> &'static Roles {
    &BUILT_IN
}
