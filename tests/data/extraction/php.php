<?php
/**
 * Orders of the shop.
 */

declare(strict_types=1);

namespace Shop\Orders;

use Shop\Base;

const LIMIT = 10;

/**
 * One order.
 */
#[Entity]
abstract class Order extends Base implements Countable
{
    private int $total = 0; // a trailing comment

    public function __construct(private array $lines)
    {
        $this->total = count($lines);
    }

    /**
     * Sums up the lines.
     *
     * @param float $rate The tax.
     * @return float
     */
    #[Pure]
    public static function sum(float $rate): float
    {
        $add = function ($a, $b) use ($rate) {
            return ($a + $b) * $rate;
        };
        return $add(1, 2);
    }

    abstract protected function undocumented(): void;
}

interface Payable
{
    /** Pays it. */
    public function pay(): bool;
}

trait Logs
{
    function log(string $ünï) { echo $ünï; }
}

enum Status: string
{
    case Open = 'open';

    public function label(): string { return ucfirst($this->value); }
}

# A shell comment.
function helper(?int $x = null) { return $x; }

$double = fn($x) => $x * 2;

function broken() { $x = ; }

function after_the_error() { return 1; }
?>
<p><?= helper(1) ?></p>
