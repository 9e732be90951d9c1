{-# LANGUAGE LambdaCase #-}
-- | Orders of the shop.
module Shop.Orders
  ( pay
  , Order (..)
  ) where

import qualified Data.Map as Map

-- | Pays an order.
--
-- It can be paid once.
pay :: Order -> Int -> Bool
pay (Order 0) _ = True
-- A comment between two equations.
pay order amount
  | amount > 0 = check amount
  | otherwise = False
  where
    check x = x > total order

{- | One order.

With a second paragraph.
-}
data Order = Order
  { total :: Int -- ^ what it costs
  }
  deriving (Eq, Show)

newtype Name = Name String

type Orders = [Order]

-- | What can be paid.
class Payable a where
  -- | Whether it can be.
  payable :: a -> Bool
  payable _ = True

  undocumented :: a -> Int

instance Payable Order where
  payable order = total order > 0

-- Both of them.
first, second :: Int
first = 1
second = 2

-- | Joins two orders.
(<+>) :: Order -> Order -> Order
Order a <+> Order b = Order (a + b)

{-# INLINE twice' #-}
twice' :: Int -> Int
twice' = (* 2)

type family Key a

noSignature x = x ++ "ünï"

broken = let in = 1

afterTheError :: Int
afterTheError = 1
