--- Orders of the shop.
-- @module orders

local M = {}

local LIMIT = 10 -- a trailing comment

--- Makes an order.
-- @param total what it costs
-- @return the order
local function new(total)
  local function check(x)
    return x > 0
  end
  return { total = total, ok = check(total) }
end

-- Pays it.
function M.pay(order, amount)
  order.total = order.total - amount
end

function M.Line:price() return self.value end

local empty = function() end

M.twice = function(x)
  return x * 2
end

--[[
A block comment.

With two paragraphs.
]]
function M.describe()
  return "ünï"
end

local handlers = {
  --- Opens it.
  open = function(order)
    order.state = "open"
  end,
  ["close-all"] = function(orders)
    orders = {}
  end,
  setting = function() return 1 end,
}

function broken(
  x =
end

function after_the_error()
  return 1
end

return M
