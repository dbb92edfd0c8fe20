//! HTML pages: every value is escaped, unlike in files for hosts.

use serde::Serialize;
use tera::{Context, Tera};

use super::{TemplateError, TemplateFault};

/// Renders the text of a page over values, which are escaped.
pub(crate) fn html(text: &str, values: &impl Serialize) -> Result<String, TemplateError> {
    let fault =
        |error: tera::Error| TemplateError::from(TemplateFault::new(None, error.to_string()));
    let context = Context::from_serialize(values).map_err(fault)?;
    let tera = Tera::default();
    tera.render_str(text, &context, true).map_err(fault)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn values_are_escaped() {
        let values = BTreeMap::from([("a", "<script>\"'&")]);
        let page = html("<b title=\"{{ a }}\">{{ a }}</b>", &values).unwrap();
        for forbidden in ["<script", "\"'", "title=\"<"] {
            assert!(!page.contains(forbidden), "{page}");
        }
        assert!(html("{{ missing }}", &values).is_err());
    }
}
