//! A plan of a part of the resources.

use super::*;

#[test]
fn a_scope_leaves_all_else_as_it_is() {
    let facts = forwarding("0");
    let mut manifest = Manifest::new("c");
    for (name, value) in [
        ("net.ipv4.ip_forward", "0"),
        ("net.ipv4.conf.all.rp_filter", "1"),
    ] {
        let resource = Resource::Sysctl(Sysctl {
            if_exists: false,
            name: name.to_owned(),
            value: value.to_owned(),
            instead_of: None,
        });
        manifest.entries.push(Entry {
            resource,
            before: Before::Value("2".to_owned()),
        });
    }
    let desired = [sysctl("1")];
    let secrets = Secrets::new();
    let basis = Basis {
        desired: &desired,
        manifest: &manifest,
        others: &[],
        facts: &facts,
        secrets: &secrets,
        scope: None,
    };
    let whole = host("h", &basis);
    let last = whole.steps.last().expect("a step");
    assert!(!last.script.contains("rp_filter"), "{}", last.script);
    let within = Scope::between(&[], &desired);
    let plan = host(
        "h",
        &Basis {
            scope: Some(&within),
            ..basis
        },
    );
    assert_eq!(
        titles(&plan),
        ["record what is ours", "set net.ipv4.ip_forward to 1"]
    );
    let recorded = &plan.steps[0].script;
    assert!(
        recorded.contains("rp_filter") && recorded.contains(r#""before":{"value":"2"}"#),
        "{recorded}"
    );
    let beside = Scope::default();
    let plan = host(
        "h",
        &Basis {
            scope: Some(&beside),
            ..basis
        },
    );
    assert_eq!(titles(&plan), [""; 0]);
}
