// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {ERC20} from "./ERC20.sol";

uint256 constant LIMIT = 10;

error SoldOut(string thing);

/// @title Sells things.
interface IShop {
    /// @notice Sells one.
    function sell(string calldata thing) external returns (uint256);
}

library Prices {
    function doubled(uint256 x) internal pure returns (uint256) {
        return x * 2;
    }
}

/**
 * @title The shop.
 */
abstract contract Shop is IShop, ERC20 {
    using Prices for uint256;

    enum Color { Red, Green }

    struct Order {
        address buyer;
        uint256 total;
    }

    event Sold(address indexed buyer, uint256 total);

    uint256 public constant MAX = 3;
    mapping(address => Order) public orders;

    modifier onlyOpen() {
        require(open, "closed");
        _;
    }

    constructor(string memory name_) ERC20(name_, "S") {
        open = true;
    }

    /// @notice Sells one.
    function sell(string calldata thing) external override onlyOpen returns (uint256) {
        emit Sold(msg.sender, 1);
        return 1;
    }

    receive() external payable {
        open = true;
    }

    fallback() external {}
}

// Adds one.
function addOne(uint256 x) pure returns (uint256) {
    return x + 1;
}

function broken(uint x) {
    return (;
}

function afterTheError() pure returns (string memory) {
    return "uni";
}
