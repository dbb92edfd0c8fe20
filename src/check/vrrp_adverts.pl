# Hears what keepalived hears: perl - SECONDS. Prints source, VRID, priority, version, interval in centiseconds, kind of
# authentication, a sum of its data, and the addresses of each advert.
use strict; use warnings; use Socket;
my $end = 0 + $ARGV[0];
socket(my $s, AF_INET, SOCK_RAW, 112) or die "socket: $!\n";
while ($end > 0) {
    my $in = ''; vec($in, fileno($s), 1) = 1;
    (my $n, $end) = select($in, undef, undef, $end);
    last unless $n > 0;
    next unless defined recv($s, my $got, 2000, 0);
    my $head = 4 * (ord($got) & 15);
    next if length($got) < $head + 8;
    my ($kind, $id, $priority, $count, $auth, $interval) = unpack('C6', substr($got, $head, 6));
    next unless ($kind & 15) == 1;
    my $version = $kind >> 4;
    if ($version == 2) { $interval *= 100 } else { $interval += ($auth & 15) << 8; $auth = 0 }
    my $rest = substr($got, $head + 8);
    next if length($rest) < 4 * $count;
    my @vips = map { inet_ntoa(substr($rest, 4 * $_, 4)) } 0 .. $count - 1;
    my ($one, $two) = unpack('N2', substr($rest, 4 * $count) . "\0" x 8);
    my $sum = $auth == 1 ? ($one * 31 + $two) % 4294967296 : 0;
    print inet_ntoa(substr($got, 12, 4)), " $id $priority $version $interval $auth $sum ", join(',', @vips), "\n";
}
print "heard\n";
