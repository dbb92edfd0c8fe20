# Asks who has an address, and prints the MAC of each answer: perl - INTERFACE ADDRESS OWN-ADDRESS
use strict; use warnings; use Socket;
my ($dev, $target, $own) = @ARGV;
socket(my $s, 17, SOCK_RAW, unpack('S', pack('n', 0x0806))) or die "socket: $!\n";
my $ifreq = pack('a16 x24', $dev);
ioctl($s, 0x8933, $ifreq) or die "$dev: $!\n";
my $index = unpack('x16 i', $ifreq);
$ifreq = pack('a16 x24', $dev);
ioctl($s, 0x8927, $ifreq) or die "$dev: $!\n";
my $mac = substr($ifreq, 18, 6);
bind($s, pack('S n i S C C a8', 17, 0x0806, $index, 0, 0, 0, '')) or die "bind: $!\n";
my $all = "\xff" x 6;
my $to = pack('S n i S C C a8', 17, 0x0806, $index, 0, 0, 6, $all);
my $ask = $all . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1) . $mac . inet_aton($own) . ("\0" x 6) . inet_aton($target);
for my $round (1 .. 3) {
    send($s, $ask, 0, $to) or die "send: $!\n";
    my $end = 0.3;
    while (1) {
        my $in = ''; vec($in, fileno($s), 1) = 1;
        my ($n, $left) = select($in, undef, undef, $end);
        last unless $n > 0;
        $end = $left;
        next unless defined recv($s, my $got, 1500, 0);
        next unless length($got) >= 42 && unpack('x20 n', $got) == 2 && substr($got, 28, 4) eq inet_aton($target);
        print join(':', map { sprintf '%02x', $_ } unpack('C6', substr($got, 22, 6))), "\n";
    }
}
