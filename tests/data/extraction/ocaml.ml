(* Tools of the shop. *)
open Printf

let limit = 10

exception Sold_out of string

(** What somebody bought. *)
type order = {
  total : float;
  currency : string;
}

and line = { price : float }

type color = Red | Green

(** Sums up orders. *)
let rec total orders =
  match orders with
  | [] -> 0.
  | o :: rest -> o.total +. total rest

and count orders = List.length orders

let add_one x = x + 1

let multiply = fun a b -> a * b

module type SHOP = sig
  val name : string
  val sell : order -> unit
end

(** Sells things. *)
module Shop : SHOP = struct
  let name = "shop"

  (* Sells one. *)
  let sell order =
    printf "%f" order.total

  module Inner = struct
    let deep () = ()
  end
end

module Make (S : SHOP) = struct
  let sell_all orders = List.iter S.sell orders
end

class counter init = object (self)
  val mutable n = init
  method get = n
  method incr by =
    n <- n + by
end

external hash : string -> int = "shop_hash"

let ( +! ) a b = a + b

let () = print_endline "start"

let broken = (

let after_the_error () =
  "ünï"
