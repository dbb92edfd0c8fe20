# Hears what keepalived hears: perl - SECONDS. Prints source, VRID and priority of each advert.
use strict; use warnings; use Socket;
my $end = 0 + $ARGV[0];
socket(my $s, AF_INET, SOCK_RAW, 112) or die "socket: $!\n";
while ($end > 0) {
    my $in = ''; vec($in, fileno($s), 1) = 1;
    (my $n, $end) = select($in, undef, undef, $end);
    last unless $n > 0;
    next unless defined recv($s, my $got, 1500, 0);
    my $head = 4 * (ord($got) & 15);
    next if length($got) < $head + 8;
    my ($kind, $id, $priority) = unpack('C C C', substr($got, $head, 3));
    print inet_ntoa(substr($got, 12, 4)), " $id $priority\n" if ($kind & 15) == 1;
}
print "heard\n";
