//! The guard of services: what would be left of a service, and of the directors of its VIPs, when hosts leave. Pure: it
//! judges what is left, not how many hosts leave.

/// A real server of a service, as one director has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// In the running table; 0 where it is not in it.
    pub weight: u32,
    /// Whether its health check passes, as far as that is known.
    pub healthy: bool,
    /// Whether it is to leave.
    pub leaves: bool,
}

impl Member {
    fn serves(self) -> bool {
        self.weight > 0 && self.healthy
    }
}

/// Real servers that serve before and after some of them leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub before: usize,
    pub after: usize,
}

impl Left {
    pub fn of(members: &[Member]) -> Self {
        let serving = || members.iter().filter(|member| member.serves());
        Self {
            before: serving().count(),
            after: serving().filter(|member| !member.leaves).count(),
        }
    }

    /// Whether what leaves takes the service below its least number of real servers. What was below it already is not
    /// held up.
    pub fn is_too_few(self, least: usize) -> bool {
        self.after < least && self.after < self.before
    }
}

/// A director of a VIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Whether it can hold the VIP: it was reached, keepalived runs, and it is not drained.
    pub able: bool,
    pub leaves: bool,
}

/// Whether no director is left that can hold the VIP.
pub fn is_without_director(directors: &[Holder]) -> bool {
    let leaves = directors.iter().any(|one| one.leaves);
    leaves && !directors.iter().any(|one| one.able && !one.leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members by letters: `s` serves, `u` fails its health check, `d` is drained; upper case leaves.
    fn members(text: &str) -> Vec<Member> {
        let of = |c: char| Member {
            weight: u32::from(!c.eq_ignore_ascii_case(&'d')),
            healthy: !c.eq_ignore_ascii_case(&'u'),
            leaves: c.is_ascii_uppercase(),
        };
        text.chars().map(of).collect()
    }

    #[test]
    fn a_service_keeps_its_least_number() {
        for (about, text, least, refused) in [
            ("one of two", "Ss", 1, false),
            ("both", "SS", 1, true),
            ("the last that is healthy", "Su", 1, true),
            ("the last that is not drained", "Sd", 1, true),
            ("one that fails anyway", "Us", 1, false),
            ("one that is drained anyway", "Ds", 1, false),
            ("one that fails, where none serves", "Uu", 1, false),
            ("one that is drained, where none serves", "Dd", 1, false),
            ("none leaves", "sd", 1, false),
            ("none leaves where none serves", "ud", 1, false),
            ("no real server at all", "", 1, false),
            ("two of three, two are to stay", "SSs", 2, true),
            ("one of three, two are to stay", "Sss", 2, false),
            ("below the least number before", "Ss", 3, true),
            ("none is to stay", "S", 0, false),
        ] {
            let left = Left::of(&members(text));
            assert_eq!(left.is_too_few(least), refused, "{about}: {left:?}");
        }
    }

    #[test]
    fn a_vip_keeps_a_director() {
        let of = |text: &str| -> bool {
            let one = |c: char| Holder {
                able: c.eq_ignore_ascii_case(&'a'),
                leaves: c.is_ascii_uppercase(),
            };
            is_without_director(&text.chars().map(one).collect::<Vec<_>>())
        };
        for (about, text, refused) in [
            ("the other can", "Aa", false),
            ("the other cannot", "Ax", true),
            ("the only one", "A", true),
            ("one that cannot itself, and the other can", "Xa", false),
            ("neither can", "Xx", true),
            ("both leave", "AA", true),
            ("none leaves", "xx", false),
            ("a third can", "Axa", false),
        ] {
            assert_eq!(of(text), refused, "{about}");
        }
    }
}
