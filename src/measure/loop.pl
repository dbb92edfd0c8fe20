# Sends requests to one service, and prints a line for each answer or loss: when the request began and how long it took.
# One process, and nothing in it blocks: a request without an answer holds no other up. It ends with its parent.
use strict; use warnings;
use Errno qw(EINPROGRESS EAGAIN EINTR ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ETIMEDOUT EPIPE);
use Fcntl qw(F_SETFL O_RDWR O_NONBLOCK);
use Socket qw(AF_INET AF_INET6 SOCK_STREAM SOCK_DGRAM SOL_SOCKET SO_ERROR inet_pton pack_sockaddr_in pack_sockaddr_in6);
my ($kind, $address, $port, $most, $interval, $number, $seconds, $timeout, $keep, $host, $path) = @ARGV;

# perl-base has no Time::HiRes: clock_gettime(2) by its number then.
my $clock;
if (eval { require Time::HiRes; 1 }) {
    $clock = sub { Time::HiRes::clock_gettime(1) };
} else {
    require POSIX;
    my %numbers = (x86_64 => 228, aarch64 => 113, riscv64 => 113, ppc64le => 246, s390x => 260, i686 => 265, armv7l => 263);
    my $number = $numbers{(POSIX::uname())[4]};
    my $time = pack 'l!l!', 0, 0;
    if (!defined $number || syscall($number, 1, $time) != 0) { print "\@lvsctl-loop no clock\n"; exit 1 }
    $clock = sub { syscall($number, 1, $time); my ($s, $n) = unpack 'l!l!', $time; $s + $n / 1e9 };
}
my $limit = 8 << 20;
my $banner = 0.2;
my $parent = getppid;
my $ends = 0;
$SIG{TERM} = sub { $ends = 1 };
$SIG{PIPE} = 'IGNORE';
$| = 1;
my $v6 = $address =~ /:/;
my $to = $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)) : pack_sockaddr_in($port, inet_pton(AF_INET, $address));
my $request = "GET $path HTTP/1.1\r\nHost: $host\r\nUser-Agent: lvsctl\r\nAccept: */*\r\nConnection: "
    . ($keep ? 'keep-alive' : 'close') . "\r\n\r\n";
my $begin = $clock->();
my ($sent, $next, @idle, %open) = (0, 0);
print "\@lvsctl-loop begin\n";

sub now { $clock->() - $begin }

sub kind_of {
    my $error = shift;
    return 'refused' if $error == ECONNREFUSED;
    return 'reset' if $error == ECONNRESET || $error == EPIPE;
    return 'unreachable' if $error == EHOSTUNREACH || $error == ENETUNREACH;
    return 'timeout' if $error == ETIMEDOUT;
    local $! = $error;
    return "other: $!";
}

sub report {
    my ($one, $code, $error, $line) = @_;
    my $end = defined $one->{end} ? $one->{end} : now();
    $line =~ s/[^\x20-\x7e]+/ /g;
    printf "\@lvsctl-loop at=%.6f ms=%.3f code=%s new=%d err=%s\t%s\n",
        $one->{at}, 1000 * ($end - $one->{at}), $code, $one->{fresh}, $error, substr $line, 0, 200;
}

sub leave {
    my $one = shift;
    delete $open{fileno $one->{socket}};
    close $one->{socket};
}

sub fail { my ($one, $error) = @_; leave($one); report($one, '000', $error, '') }

sub begin {
    my $at = shift;
    if (my $socket = pop @idle) {
        my $one = { socket => $socket, at => $at, fresh => 0, in => '', out => $request, state => 'talk' };
        $open{fileno $socket} = $one;
        return;
    }
    my $one = { at => $at, fresh => 1, in => '', out => $kind eq 'http' ? $request : $kind eq 'udp' ? "lvsctl\n" : '', state => 'connect' };
    if (!socket $one->{socket}, $v6 ? AF_INET6 : AF_INET, $kind eq 'udp' ? SOCK_DGRAM : SOCK_STREAM, 0) {
        report($one, '000', kind_of($!), '');
        return;
    }
    fcntl $one->{socket}, F_SETFL, O_RDWR | O_NONBLOCK;
    $open{fileno $one->{socket}} = $one;
    if (!connect($one->{socket}, $to) && $! != EINPROGRESS) { fail($one, kind_of($!)) }
}

# Status, first line and whether the connection stays, once all of the answer is there.
sub answer {
    my ($in, $eof) = @_;
    my $end = index $in, "\r\n\r\n";
    return if $end < 0;
    my ($head, $body, $whole) = (substr($in, 0, $end), substr($in, $end + 4), $eof);
    my ($minor, $code) = $head =~ m{^HTTP/1\.(\d) (\d{3})} or return ('000', '', 0);
    if ($code == 204 || $code == 304) {
        $whole = 1;
    } elsif ($head =~ /^Transfer-Encoding:[^\r\n]*chunked/im) {
        my $rest = $body;
        ($body, $whole) = ('', 0);
        while ($rest =~ s/^([0-9a-fA-F]{1,8})[^\r\n]*\r\n//) {
            my $size = hex $1;
            if (!$size) { $whole = 1; last }
            last if length $rest < $size + 2;
            $body .= substr $rest, 0, $size;
            substr($rest, 0, $size + 2) = '';
        }
    } elsif ($head =~ /^Content-Length:\s*(\d+)/im) {
        $whole = length $body >= $1;
    }
    return unless $whole;
    my ($line) = grep { /\S/ } split /\r?\n/, substr $body, 0, 4096;
    return ($code, defined $line ? $line : '', $minor && !$eof && $head !~ /^Connection:\s*close/im);
}

sub hear {
    my $one = shift;
    my $count = sysread $one->{socket}, $one->{in}, 65536, length $one->{in};
    if (!defined $count) {
        return if $! == EAGAIN || $! == EINTR;
        my $error = kind_of($!);
        if (!$one->{fresh} && $one->{in} eq '') { leave($one); begin($one->{at}) } else { fail($one, $error) }
        return;
    }
    if ($kind ne 'http') {
        leave($one);
        $one->{end} = now() if $kind eq 'udp';
        my ($line) = split /\r?\n/, $one->{in};
        report($one, 1, '', defined $line ? $line : '');
        return;
    }
    if ($count == 0 && $one->{in} eq '' && !$one->{fresh}) { leave($one); begin($one->{at}); return }
    my ($code, $line, $stays) = answer($one->{in}, $count == 0);
    if (!defined $code) {
        if ($count == 0) { fail($one, 'closed') } elsif (length $one->{in} > $limit) { fail($one, 'other: a page of more than 8 MiB') }
        return;
    }
    if ($code eq '000') { fail($one, 'other: the answer is not HTTP/1'); return }
    $one->{end} = now();
    if ($stays && $keep) { delete $open{fileno $one->{socket}}; push @idle, $one->{socket} } else { leave($one) }
    report($one, $code, '', $line);
}

sub go_on {
    my $one = shift;
    if ($one->{state} eq 'connect') {
        my $error = unpack 'i', getsockopt $one->{socket}, SOL_SOCKET, SO_ERROR;
        if ($error) { fail($one, kind_of($error)); return }
        $one->{state} = 'talk';
        # A port that says nothing by itself has answered with its connection.
        if ($kind eq 'tcp') { $one->{end} = now(); $one->{until} = $one->{end} + $banner }
    }
    return if $one->{out} eq '';
    my $count = syswrite $one->{socket}, $one->{out};
    if (defined $count) { substr($one->{out}, 0, $count) = ''; return }
    return if $! == EAGAIN || $! == EINTR;
    my $error = kind_of($!);
    if (!$one->{fresh}) { leave($one); begin($one->{at}) } else { fail($one, $error) }
}

while (1) {
    exit if getppid != $parent;
    my $time = now();
    my $no_more = $ends || ($number && $sent >= $number) || $time >= $seconds;
    last if $no_more && !%open;
    while (!$no_more && keys %open < $most && $next <= $time && !($number && $sent >= $number)) {
        begin($time);
        $sent++;
        # What a stall has kept from being sent in a second is not made up for.
        $next = $interval ? $next + $interval : 0;
        $next = $time if $next < $time - 1;
        $time = now();
    }
    my ($wait, $read, $write) = (0.25, '', '');
    $wait = $next - $time if !$no_more && keys %open < $most && $next - $time < $wait;
    for my $one (values %open) {
        my $until = defined $one->{until} ? $one->{until} : $one->{at} + $timeout;
        $wait = $until - $time if $until - $time < $wait;
        vec($read, fileno $one->{socket}, 1) = 1 if $one->{state} eq 'talk';
        vec($write, fileno $one->{socket}, 1) = 1 if $one->{state} eq 'connect' || $one->{out} ne '';
    }
    my $ready = select $read, $write, undef, $wait > 0 ? $wait : 0;
    # Cut short by a signal, it says nothing.
    ($read, $write) = ('', '') if $ready <= 0;
    for my $number (keys %open) {
        my $one = $open{$number} or next;
        go_on($one) if vec $write, $number, 1;
        next unless $open{$number} && $open{$number} == $one;
        hear($one) if vec $read, $number, 1;
    }
    $time = now();
    for my $one (values %open) {
        if (defined $one->{until}) {
            if ($time >= $one->{until}) { leave($one); report($one, 1, '', '') }
        } elsif ($time >= $one->{at} + $timeout) {
            fail($one, 'timeout');
        }
    }
}
print "\@lvsctl-loop end\n";
