use super::*;
use serde_json::json;

#[test]
fn expressions_keep_their_type() {
    let templates = Templates::none();
    let scope =
        Scope::new(&json!({"port": 80, "names": ["a", "b"], "on": false, "host": {"name": "rs1"}}));
    for (text, want) in [
        (json!("{{ port }}"), json!(80)),
        (json!("{{ names }}"), json!(["a", "b"])),
        (json!("{{ on }}"), json!(false)),
        (json!("p{{ port }}"), json!("p80")),
        (json!("{{ port }}{{ port }}"), json!("8080")),
        (json!(["{{ host.name }}", 1]), json!(["rs1", 1])),
        (json!({"a": "{{ not on }}"}), json!({"a": true})),
    ] {
        assert_eq!(templates.expand(&text, &scope).unwrap(), want, "{text}");
    }
}

#[test]
fn an_undefined_variable_is_an_error() {
    let templates = Templates::new(&BTreeMap::from([(
        "a".to_owned(),
        "{{ nothing }}".to_owned(),
    )]))
    .0;
    let scope = Scope::new(&json!({"host": {}}));
    assert!(
        templates
            .render("a", &scope)
            .unwrap_err()
            .to_string()
            .contains("nothing")
    );
    assert!(templates.value("host.nothing", &scope).is_err());
    assert!(
        templates
            .render("b", &scope)
            .unwrap_err()
            .to_string()
            .contains("no template")
    );
}
