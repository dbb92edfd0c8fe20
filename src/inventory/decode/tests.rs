//! Values that pass through serde.

use super::*;
use crate::yaml::{self, Document};

#[derive(Debug, serde::Deserialize)]
struct Holder {
    #[expect(dead_code, reason = "only its type counts")]
    any: SecretSource,
}

/// Whatever the key is called: the type decides.
#[test]
fn a_value_in_the_place_of_a_source_of_a_secret_is_not_shown() {
    for (text, value) in [
        ("any: hunter2", "hunter2"),
        ("any: 4711", "4711"),
        ("any: 47.11", "47.11"),
        ("any: true", "true"),
    ] {
        let root = yaml::read(text, Document::Hint, &mut Vec::new()).expect("YAML");
        let sink = Sink::default();
        assert!(decode::<Holder>(&root, &sink).is_none(), "{text}");
        for fault in sink.borrow().iter() {
            let help = fault.help.as_ref().map_or("", |help| &help.text);
            let said = format!("{} {help}", fault.message());
            assert!(said.starts_with("a secret must not stand"), "{said}");
            assert!(!said.contains(value), "{said}");
        }
        assert_eq!(sink.borrow().len(), 1, "{text}");
    }
}

/// Values pass through serde's texts as they are.
#[test]
fn expectations_keep_their_type() {
    for expected in [
        Expected::Bool,
        Expected::Persistence,
        Expected::SUBNET,
        Expected::Integer {
            min: 1,
            max: Some(254),
        },
        Expected::words("a protocol", "tcp or udp"),
        Expected::like("a scheduler such as rr", "rr"),
    ] {
        struct By<'a>(&'a Expected);
        impl de::Expected for By<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&Typed(self.0), f)
            }
        }
        assert_eq!(expected_by(&By(&expected)), expected);
        let text = format!("{}", &By(&expected) as &dyn de::Expected);
        assert_eq!(text, expected.to_string());
    }
}
