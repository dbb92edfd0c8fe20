//! Reads `ipvsadm -Sn` into values that compare with desired ones. What ipvsadm leaves out is its default.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::history::{self, Out};
use super::named;
use crate::fact::{ParseError, Section};
use crate::model::{Definition, Destination, Mode, Scheduler, Virtual};

/// The running table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub services: Vec<Served>,
    /// Whether the kernel has services that could not be read, because ipvsadm(8) is not there.
    pub hidden: bool,
    /// Real servers that a checker may have taken out, and that do not answer as their health check wants.
    failing: BTreeSet<String>,
    /// Real servers that a checker says it has taken out.
    out: BTreeMap<String, Out>,
}

impl Table {
    /// Whether a real server seems to be removed by a health checker, and failed the probe's health check.
    pub fn fails(&self, to: Virtual, rs: &Destination) -> bool {
        self.failing.contains(&named(to, rs.address))
    }

    /// The information of the health checker that removed a real server.
    pub fn out(&self, to: Virtual, rs: &Destination) -> Option<&Out> {
        self.out.get(&named(to, rs.address))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub definition: Definition,
    pub real_servers: BTreeMap<SocketAddr, Destination>,
}

fn odd(line: &str, what: &str) -> ParseError {
    ParseError::new(
        "ipvs",
        format!("{what} in the line {line:?} of `ipvsadm -Sn`"),
    )
}

pub(super) fn parse(section: &Section) -> Result<Table, ParseError> {
    let mut table = Table {
        hidden: !section.part("hidden").is_empty(),
        ..Table::default()
    };
    for line in section
        .part("table")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.get(1) == Some(&"--sctp-service") {
            // Never ours: roles know tcp and udp.
            continue;
        }
        match words.split_first() {
            Some((&"-A", rest)) => {
                let definition = service(rest).map_err(|what| odd(line, &what))?;
                table.services.push(Served {
                    definition,
                    real_servers: BTreeMap::new(),
                });
            }
            Some((&"-a", rest)) => {
                let (to, rs) = real_server(rest).map_err(|what| odd(line, &what))?;
                let served = table
                    .services
                    .iter_mut()
                    .find(|s| s.definition.r#virtual == to);
                let served = served.ok_or_else(|| odd(line, "a real server of no service"))?;
                served.real_servers.insert(rs.address, rs);
            }
            _ => return Err(odd(line, "an unknown command")),
        }
    }
    let failing = section.part("failing").lines();
    table.failing = failing.map(str::to_owned).collect();
    table.out = history::of_log(section.part("log"));
    table.out.extend(history::of_checker(section.part("down")));
    Ok(table)
}

/// Takes the words that follow an option.
struct Words<'a> {
    words: std::slice::Iter<'a, &'a str>,
}

impl Words<'_> {
    fn value<T: std::str::FromStr>(&mut self, option: &str) -> Result<T, String> {
        let word = self
            .words
            .next()
            .ok_or_else(|| format!("nothing after {option}"))?;
        word.parse()
            .map_err(|_| format!("odd value {word:?} of {option}"))
    }

    fn mark(&mut self, option: &str) -> Result<u32, String> {
        let word: String = self.value(option)?;
        mark(&word).ok_or_else(|| format!("odd value {word:?} of {option}"))
    }
}

/// ipvsadm 1.31 prints marks with a sign.
pub(super) fn mark(word: &str) -> Option<u32> {
    let mark: i64 = word.parse().ok()?;
    let signed = || i32::try_from(mark).map(i32::cast_unsigned);
    u32::try_from(mark).or_else(|_| signed()).ok()
}

/// What names a service, in the words of it and of its real servers.
#[derive(Default)]
struct To {
    named: Option<Virtual>,
    v6_mark: bool,
}

impl To {
    fn take(&mut self, option: &str, words: &mut Words) -> Result<(), String> {
        let named = match option {
            "-t" => Virtual::Tcp(words.value(option)?),
            "-u" => Virtual::Udp(words.value(option)?),
            "-f" => Virtual::Fwmark {
                mark: words.mark(option)?,
                v6: false,
            },
            _ => {
                self.v6_mark = true;
                return Ok(());
            }
        };
        self.named = Some(named);
        Ok(())
    }

    fn found(self) -> Option<Virtual> {
        self.named.map(|named| match named {
            Virtual::Fwmark { mark, .. } => Virtual::Fwmark {
                mark,
                v6: self.v6_mark,
            },
            other => other,
        })
    }
}

fn service(words: &[&str]) -> Result<Definition, String> {
    let mut to = To::default();
    let mut scheduler = None;
    let (mut flags, mut timeout, mut one_packet) = (BTreeSet::new(), None, false);
    let (mut netmask, mut engine) = (None, None);
    let mut words = Words {
        words: words.iter(),
    };
    while let Some(&option) = words.words.next() {
        match option {
            "-t" | "-u" | "-f" | "-6" => to.take(option, &mut words)?,
            "-s" => scheduler = Some(named_scheduler(&words.value::<String>(option)?)?),
            "-p" => timeout = Some(words.value(option)?),
            "-M" => netmask = Some(words.value::<String>(option)?),
            "-b" => {
                flags = words
                    .value::<String>(option)?
                    .split(',')
                    .map(str::to_owned)
                    .collect();
            }
            "-o" | "--ops" | "ops" => one_packet = true,
            "pe" | "--pe" => engine = Some(words.value(option)?),
            other => return Err(format!("unknown option {other:?}")),
        }
    }
    let to = to.found().ok_or("no address")?;
    let v6 = match to {
        Virtual::Tcp(address) | Virtual::Udp(address) => address.is_ipv6(),
        Virtual::Fwmark { v6, .. } => v6,
    };
    let granularity = match netmask {
        None if v6 => 128,
        None => 32,
        Some(mask) => prefix_length(&mask).ok_or_else(|| format!("odd netmask {mask:?}"))?,
    };
    Ok(Definition {
        r#virtual: to,
        scheduler: scheduler.ok_or("no scheduler")?,
        flags,
        persistence: timeout.map(|timeout| (timeout, granularity)),
        one_packet,
        engine,
    })
}

fn prefix_length(mask: &str) -> Option<u8> {
    if let Ok(prefix) = mask.parse() {
        return Some(prefix);
    }
    ipnet::ip_mask_to_prefix(mask.parse().ok()?).ok()
}

fn named_scheduler(name: &str) -> Result<Scheduler, String> {
    serde_json::from_value(serde_json::Value::from(name))
        .map_err(|_| format!("unknown scheduler {name:?}"))
}

fn real_server(words: &[&str]) -> Result<(Virtual, Destination), String> {
    let mut to = To::default();
    let (mut address, mut mode, mut weight) = (None, Mode::Dr, 1);
    let mut tunnel: Vec<String> = Vec::new();
    let mut words = Words {
        words: words.iter(),
    };
    while let Some(&option) = words.words.next() {
        match option {
            "-t" | "-u" | "-f" | "-6" => to.take(option, &mut words)?,
            "-r" => address = Some(words.value(option)?),
            "-g" => mode = Mode::Dr,
            "-m" => mode = Mode::Nat,
            "-i" => mode = Mode::Tun,
            "-w" => weight = words.value(option)?,
            "-x" | "-y" => {
                words.value::<String>(option)?;
            }
            "--tun-type" | "--tun-port" => {
                tunnel.extend([option.to_owned(), words.value(option)?]);
            }
            "--tun-nocsum" | "--tun-csum" | "--tun-remcsum" => tunnel.push(option.to_owned()),
            other => return Err(format!("unknown option {other:?}")),
        }
    }
    let to = to.found().ok_or("no service")?;
    let address = address.ok_or("no real server")?;
    Ok((
        to,
        Destination {
            address,
            mode,
            weight,
            asks: Vec::new(),
            down: None,
            tunnel: (!tunnel.is_empty() && tunnel != ["--tun-type", "ipip"])
                .then(|| tunnel.join(" ")),
        },
    ))
}
