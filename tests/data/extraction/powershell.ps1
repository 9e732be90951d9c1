#requires -Version 5
$Limit = 10

<#
.SYNOPSIS
Sums up the orders of a customer.
#>
function Get-Total {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [string]$Customer,
        [int]$Limit = 10
    )
    process {
        $Orders | Where-Object { $_.Customer -eq $Customer } | Measure-Object
    }
}

# Adds one.
function Add-One($x) {
    return $x + 1
}

filter Select-Even { if ($_ % 2 -eq 0) { $_ } }

class Order {
    [double]$Total

    Order([double]$total) {
        $this.Total = $total
    }

    [string] ToString() {
        return "$($this.Total) EUR"
    }

    static [Order] Parse([string]$text) {
        return [Order]::new([double]$text)
    }
}

enum Color {
    Red
    Green
}

function Broken {
    $x = (
}

function After-TheError {
    "ünï"
}
