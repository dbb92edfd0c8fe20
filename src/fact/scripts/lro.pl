# Prints whether large receive offload is on, as `ethtool -k INTERFACE` does.
socket(my $s, AF_INET, SOCK_DGRAM, 0);
my $value = pack("II", 0x25, 0);
my $request = pack("a16 P", $ARGV[0], $value);
$request .= "\0" x (40 - length $request);
ioctl($s, 0x8946, $request) or exit;
print "large-receive-offload: ", ((unpack("II", $value))[1] & 0x8000) ? "on" : "off", "\n";
