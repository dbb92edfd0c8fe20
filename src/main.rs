use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args
        .next()
        .is_some_and(|verb| verb == lvsctl::lab::INIT_COMMAND)
    {
        return ExitCode::from(lvsctl::lab::init_main(args));
    }
    ExitCode::SUCCESS
}
