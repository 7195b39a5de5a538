# Asks a service of an overlay network for a page, at a steady rate, each time by a name that it
# resolves anew and over a connection of its own, until the file STOP is there:
#   client.pl NAME RATE STOP
# As any client does that one would write, it takes the next address of the resolver's answer where one
# takes no connection. For every request that fails, and for every address that was passed over, it
# prints a line: when, which step, which address, and why. At the end it prints how many were answered.
# Run in the network namespace of a container of that network, whose resolver is asked without any cache
# in between.
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

use constant { RESOLVER => '127.0.0.11', PATIENCE => 2, CLIENTS => 8 };
my ($name, $rate, $stop) = @ARGV;
$| = 1;

# The addresses that the resolver gives, whose order changes from answer to answer.
sub addresses {
    my $id   = int rand 65536;
    my $host = join '', map { pack 'C/a*', $_ } split /\./, $name;
    my $ask  = IO::Socket::INET->new(PeerAddr => RESOLVER, PeerPort => 53, Proto => 'udp') or return;
    $ask->send(pack('n6', $id, 0x0100, 1, 0, 0, 0) . $host . "\0" . pack('n2', 1, 1));
    my $ready = '';
    vec($ready, fileno($ask), 1) = 1;
    select($ready, undef, undef, PATIENCE) or return;
    $ask->recv(my $answer, 4096);
    my (undef, undef, undef, $count) = unpack 'n4', $answer;
    my ($at, @found) = (12 + length($host) + 1 + 4);
    for (1 .. $count) {
        # The name, or what points back to it, then type, class, time to live, length, and the address.
        $at += (unpack('C', substr $answer, $at, 1) & 0xc0) ? 2 : length($host) + 1;
        my ($type, $length) = unpack 'n x2 x4 n', substr $answer, $at;
        push @found, join '.', unpack 'C4', substr $answer, $at + 10, 4 if $type == 1 && $length == 4;
        $at += 10 + $length;
    }
    return @found;
}

# A connection to the first address that takes one, and that address; else the address, and why not.
sub connection {
    my ($socket, $address, $why);
    for (@_) {
        printf "passed %.3f connect %s %s\n", time, $address, $why if $why;
        $address = $_;
        $socket  = IO::Socket::INET->new(PeerAddr => $address, PeerPort => 80, Timeout => PATIENCE)
            and return ($socket, $address);
        $why = $@;
    }
    return (undef, $address, $why);
}

# The step at which a request fails, with its reason; nothing when it is answered.
sub request {
    my @addresses = addresses() or return ('resolve', '-', $! || 'no answer');
    my ($socket, $address, $why) = connection(@addresses);
    return ('connect', $address, $why) unless $socket;
    my $answer = '';
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} "GET / HTTP/1.1\r\nHost: $name\r\nConnection: close\r\n\r\n";
    $socket->flush;
    my $end = time + PATIENCE;
    while (1) {
        my $ready = '';
        vec($ready, fileno($socket), 1) = 1;
        my $left = $end - time;
        return ('read', $address, 'no answer in time') if $left <= 0 || !select($ready, undef, undef, $left);
        my $got = sysread $socket, $answer, 65536, length $answer;
        return ('read', $address, "$!") unless defined $got;
        last unless $got;
    }
    return $answer =~ m{^HTTP/1\.1 200 } ? () : ('status', $address, length($answer) . ' bytes');
}

for my $number (1 .. CLIENTS) {
    next if fork;
    srand($number * 7919 + $$);
    my ($good, $sent, $begun) = (0, 0, time + $number / $rate);
    until (-e $stop) {
        my $due = $begun + $sent * CLIENTS / $rate;
        sleep($due - time) if $due > time;
        my ($step, $address, $why) = request();
        $sent++;
        if ($step) { printf "failed %.3f %s %s %s\n", time, $step, $address, $why }
        else       { $good++ }
    }
    print "answered $good\n";
    exit;
}
1 while wait != -1;
