# Requests at a steady rate from several addresses, each with few source ports in turn: a client behind a proxy or NAT uses a
# port again before the director has forgotten it. One process, nothing in it blocks. Makes FILE.begun
# with the first answer, and ends when FILE is there.
use strict; use warnings;
use Errno qw(EINPROGRESS);
use Fcntl qw(F_SETFL O_RDWR O_NONBLOCK);
use Socket qw(:DEFAULT inet_aton SO_REUSEADDR SO_ERROR);
use Time::HiRes qw(time);
my ($vip, $port, $rate, $ports, $timeout, $stop, @addresses) = @ARGV;
$| = 1;
$SIG{PIPE} = 'IGNORE';
my $to = pack_sockaddr_in($port, inet_aton($vip));
my ($sent, $answered, %lost, %open, @losses, @answers) = (0, 0);
my $began = time;
my ($next, $turn) = ($began, 0);

sub ended {
    my ($one, $what) = @_;
    close $one->{socket};
    delete $open{$one->{slot}};
    if ($what eq 'answered') { if (!$answered++) { open my $begun, '>', "$stop.begun" or die "$stop.begun: $!\n" } push @answers, time } else { $lost{$what}++; push @losses, sprintf '%.2f %s', $one->{at} - $began, $what }
}

sub begin {
    my $slots = @addresses * $ports;
    # A port that still waits is passed over.
    for (1 .. $slots) { last unless $open{$turn % $slots}; $turn++ }
    my $slot = $turn++ % $slots;
    return if $open{$slot};
    my $from = pack_sockaddr_in(20000 + int($slot / @addresses), inet_aton($addresses[$slot % @addresses]));
    my $one = { at => time, slot => $slot, in => '', asked => 0 };
    socket $one->{socket}, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
    setsockopt $one->{socket}, SOL_SOCKET, SO_REUSEADDR, 1;
    fcntl $one->{socket}, F_SETFL, O_RDWR | O_NONBLOCK;
    bind $one->{socket}, $from or die "bind: $!\n";
    $sent++;
    $open{$slot} = $one;
    connect $one->{socket}, $to or $! == EINPROGRESS or ended($one, "$!");
}

sub more {
    my $one = shift;
    my $count = sysread $one->{socket}, $one->{in}, 65536, length $one->{in};
    return ended($one, "$!") if !defined $count && !$!{EAGAIN};
    return if !defined $count || $count;
    ended($one, $one->{in} =~ m{^HTTP/1\.\d 200 .*\r\n\r\n.}s ? 'answered' : 'a wrong answer');
}

until (!%open && -e $stop) {
    my $now = time;
    if ($now >= $next && !-e $stop) { begin(); $next += 1 / $rate; $next = $now if $next < $now - 1 }
    my ($read, $write) = ('', '');
    for my $one (values %open) { vec($one->{asked} ? $read : $write, fileno $one->{socket}, 1) = 1 }
    my $pause = $next - time;
    select my $readable = $read, my $writable = $write, undef, $pause < 0 ? 0 : $pause > 0.05 ? 0.05 : $pause;
    for my $one (values %open) {
        my $number = fileno $one->{socket};
        if (time - $one->{at} > $timeout) { ended($one, 'no answer') }
        elsif (!$one->{asked} && vec $writable, $number, 1) {
            $! = unpack 'i', getsockopt $one->{socket}, SOL_SOCKET, SO_ERROR;
            if ($!) { ended($one, "$!"); next }
            syswrite $one->{socket}, "GET / HTTP/1.0\r\n\r\n";
            $one->{asked} = 1;
        }
        elsif ($one->{asked} && vec $readable, $number, 1) { more($one) }
    }
}
my ($gap, $last) = (0, $began);
for (@answers) { $gap = $_ - $last if $_ - $last > $gap; $last = $_ }
printf "sent %d answered %d lost %d gap %.3f seconds %.1f\n", $sent, $answered, $sent - $answered, $gap, time - $began;
print "$_\n" for @losses[0 .. ($#losses < 19 ? $#losses : 19)];
