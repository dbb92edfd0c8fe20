//! One run at a time changes a host: a lock that the kernel drops when the shell on the host ends, however it ends.

use crate::shell::quote;

fn path(cluster: &str) -> String {
    format!("/run/lvsctl-{cluster}.lock")
}

/// Shell text that takes the lock or prints who has it. It runs in the session's own shell, which keeps
/// descriptor 9 open until its end; `command` keeps a failing `exec` from ending that shell.
pub fn take(cluster: &str, holder: &str) -> String {
    let lock = quote(&path(cluster));
    format!(
        "if command -v flock >/dev/null 2>&1; then\n\
         if command exec 9>>{lock} && flock -n 9; then\n\
         printf '%s\\n' {} >{lock}; trap 'rm -f {lock}' EXIT; trap 'exit 129' HUP; trap 'exit 143' TERM; echo taken\n\
         else cat {lock}; fi\nelse echo no flock; fi\n",
        quote(holder)
    )
}

/// What [`take`] printed.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    Yes,
    NoTool,
    By(String),
}

pub fn read(output: &str) -> Taken {
    match output.trim() {
        "taken" => Taken::Yes,
        "no flock" => Taken::NoTool,
        holder => Taken::By(holder.to_owned()),
    }
}

/// Put before each step, so that nothing it leaves running keeps the lock.
pub const RELEASE_IN_STEP: &str = "exec 9>&-\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it() {
        assert_eq!(read("taken\n"), Taken::Yes);
        assert_eq!(read("no flock\n"), Taken::NoTool);
        assert_eq!(
            read("ann@desk since 12:00\n"),
            Taken::By("ann@desk since 12:00".into())
        );
    }
}
