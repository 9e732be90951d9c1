package Shop::Order;

use strict;
use warnings;

use constant LIMIT => 10;
our $VERSION = '1.0';

=head1 NAME

Shop::Order - what somebody bought

=head2 total

Sums up the lines.

=cut

sub total {
    my ($self, $currency) = @_;
    my $sum = 0;
    $sum += $_->{price} for @{ $self->{lines} };
    return $sum;
}

# Makes an order.
sub new {
    my ($class, %args) = @_;
    return bless {%args}, $class;
}

package Shop::Counter {
    sub count { return scalar @_ }
}

my $hash = { key => sub { 1 } };

sub _private($x, $y) {
    return $x =~ s/a/b/r;
}

sub broken {
    my $x = (;
}

sub after_the_error {
    return "ünï";
}

1;

__END__

sub not_code { }
