# Prints the time and which of the given addresses this host holds, every 50 ms, until /tmp/poll.stop is there.
use strict; use warnings; use Time::HiRes qw(time sleep);
$| = 1;
until (-e '/tmp/poll.stop') {
    my (%held, $last);
    open my $trie, '<', '/proc/net/fib_trie' or die "fib_trie: $!\n";
    while (<$trie>) { if (/\|-- (\S+)/) { $last = $1 } elsif (m{/32 host LOCAL}) { $held{$last} = 1 } }
    close $trie;
    printf "%.3f %s\n", time, join ' ', grep { $held{$_} } @ARGV;
    sleep 0.05;
}
