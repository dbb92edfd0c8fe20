//! The shipped inventories load, and mean what they say.

use std::path::Path;

use lvsctl::inventory::{self, BUILT_IN_ROLES};
use lvsctl::model::Cluster;

fn shipped(name: &str) -> Cluster {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("inventories")
        .join(name);
    match inventory::load(&path, BUILT_IN_ROLES) {
        Ok(loaded) => loaded.cluster,
        Err(error) => panic!("{}", error.render(100, false)),
    }
}

#[test]
fn dr_means() {
    insta::assert_json_snapshot!(shipped("dr.yaml"));
}

#[test]
fn dr_keepalived_means() {
    insta::assert_json_snapshot!(shipped("dr-keepalived.yaml"));
}

#[test]
fn fwmark_means() {
    insta::assert_json_snapshot!(shipped("fwmark.yaml"));
}
