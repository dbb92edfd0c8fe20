//! A lab without the rest of lvsctl: `lab up SPEC.json [native|uml]`, `lab down|status NAME`, `lab exec NAME HOST|- WORDS`,
//! `lab ssh NAME HOST ARGS`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use lvsctl::lab;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == lab::INIT_COMMAND) {
        return ExitCode::from(lab::init_main(args));
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result: Result<u8, Box<dyn std::error::Error>> = (|| {
        match words.as_slice() {
        ["up", file, rest @ ..] => {
            let spec = serde_json::from_slice(&std::fs::read(file)?)?;
            let flag = Arc::new(AtomicBool::new(false));
            for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
                signal_hook::flag::register(signal, Arc::clone(&flag))?;
            }
            let options = lab::UpOptions {
                kernel: match rest.first() {
                    Some(&"native") => lab::KernelChoice::Native,
                    Some(&"uml") => lab::KernelChoice::Uml,
                    _ => lab::KernelChoice::Auto,
                },
                cancel: lab::Cancel::from_flag(flag),
                keep_failed: rest.contains(&"keep"),
                ..Default::default()
            };
            let started = Instant::now();
            lab::up(&spec, &options, &mut |event| {
                println!("{:6.2} {event:?}", started.elapsed().as_secs_f32());
            })?;
            println!("{:6.2} up", started.elapsed().as_secs_f32());
            Ok(0)
        }
        ["down", name] => {
            println!("{:?}", lab::down(name)?);
            Ok(0)
        }
        ["status", name] => {
            println!("{}", serde_json::to_string_pretty(&lab::status(name)?)?);
            Ok(0)
        }
        ["start", name, host] => {
            lab::start(name, host, std::time::Duration::from_secs(120))?;
            Ok(0)
        }
        ["exec", name, host, argv @ ..] => {
            let status = lab::exec(name, (*host != "-").then_some(*host), argv)?;
            Ok(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(255))
        }
        ["ssh", name, host, argv @ ..] => {
            let status = lab::ssh(name, host, argv)?;
            Ok(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(255))
        }
        _ => Err("up SPEC.json [native|uml] | down NAME | status NAME | exec NAME HOST|- WORDS | ssh NAME HOST ARGS".into()),
    }
    })();
    result
        .unwrap_or_else(|error| {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(inner) = cause {
                text.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
            eprintln!("error: {text}");
            1
        })
        .into()
}
