//! Orders of the shop.

const std = @import("std");

/// At most so many.
pub const limit = 10; // a trailing comment

/// One order.
pub const Order = struct {
    total: u32,

    /// Makes one.
    pub fn init(total: u32) Order {
        return .{ .total = total };
    }

    // Line comments document as well.
    fn pay(self: *Order, amount: u32) !void {
        self.total -= amount;
    }

    const Line = struct {
        price: u32,
    };
};

const State = enum(u8) { open, closed };

const Value = union(enum) {
    int: i64,
    text: []const u8,
};

const ShopError = error{ Closed, Empty };

/// A list of anything.
pub fn List(comptime T: type) type {
    return struct {
        items: []T,

        pub fn len(self: @This()) usize {
            return self.items.len;
        }
    };
}

/// Defined elsewhere.
extern fn external(x: i32) void;
extern fn undocumented() void;

pub export fn twice(x: i32) i32 {
    return x * 2; // "ünï"
}

test "orders can be paid" {
    var order = Order.init(1);
    try order.pay(1);
}

fn broken( {
    const = ;
}

fn afterTheError() u8 {
    return 1;
}
