//! Values of roles that do not fit their field, and how to repair them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnostic::{AddressForm, Expected};
use crate::inventory::form::Form;
use crate::inventory::scalar::{endpoint, listed};
use crate::yaml::{Node, Value};

/// The value that was probably meant.
pub(super) fn hint(node: &Node, expected: &Expected) -> Option<String> {
    match (&node.value, expected) {
        (Value::Text(text), Expected::Address(form)) => match form {
            AddressForm::HasPrefix => of_net(text.trim()),
            AddressForm::HasPort => of_socket(text.trim()),
            _ => of_address(text.trim()),
        },
        (Value::Int(_, text) | Value::Float(_, text) | Value::Bool(_, text), Expected::Text) => {
            Some(format!("put it in quotes: `\"{text}\"`"))
        }
        (Value::Text(text), Expected::List) => {
            let list = Form::words(listed(text)?);
            Some(format!("write `{list}`: a list, with brackets"))
        }
        _ => None,
    }
}

fn of_net(text: &str) -> Option<String> {
    if text == "default" {
        return Some("write `0.0.0.0/0`, or `::/0` for IPv6".to_owned());
    }
    let address: IpAddr = match endpoint(text) {
        Some((address, _)) => address,
        None => text.parse().ok()?,
    };
    let whole = if address.is_ipv6() { 128 } else { 32 };
    Some(format!(
        "write the prefix length behind it: `{address}/{whole}` is the address alone"
    ))
}

fn of_socket(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr = match bare.parse::<IpNet>() {
        Ok(net) => net.addr(),
        Err(_) => bare.parse().ok()?,
    };
    Some(match address {
        IpAddr::V4(address) => format!("write the port behind it: `\"{address}:80\"`"),
        IpAddr::V6(address) => format!("write the port behind it: `\"[{address}]:80\"`"),
    })
}

fn of_address(text: &str) -> Option<String> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(format!("write `{}`, without its prefix length", net.addr()));
    }
    let (address, _) = endpoint(text)?;
    Some(format!("write `{address}`, without a port"))
}
