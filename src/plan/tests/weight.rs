use super::*;

#[test]
fn a_weight_of_0_that_the_inventory_had_does_not_stay() {
    let service = |weight: u16| {
        resource(serde_json::json!({ "ipvs": {
            "virtual": { "tcp": "10.0.0.9:80" }, "scheduler": "wrr", "keepalived": false,
            "real_servers": [{ "address": "10.0.0.2:80", "mode": "dr", "weight": weight }],
        } }))
    };
    let table = "-A -t 10.0.0.9:80 -s wrr\n-a -t 10.0.0.9:80 -r 10.0.0.2:80 -g -w 0\n";
    let facts = Facts {
        ipvs: crate::fact::ipvs::Ipvs::parse(&Section::from_parts([("table", table)])).unwrap(),
        ..Facts::assumed()
    };
    // What the manifest has, what is desired, and the step that follows.
    for (recorded, desired, want) in [
        (
            0,
            3,
            &["record what is ours", "edit real server 10.0.0.2:80"][..],
        ),
        (3, 3, &[]),
        (0, 0, &[]),
    ] {
        let mut manifest = Manifest::new("c");
        manifest.entries.push(Entry {
            resource: service(recorded),
            before: Before::Absent,
        });
        let plan = plan(&[service(desired)], &manifest, &facts);
        assert_eq!(titles(&plan), want, "{recorded} to {desired}");
    }
}
