defmodule Shop.Order do
  @moduledoc """
  One order.

  The second paragraph.
  """

  use Ecto.Schema

  @limit 10 # a trailing comment

  @typedoc "How it is named."
  @type name :: String.t()
  @type id :: integer

  defstruct [:total, :lines]

  @doc """
  Pays it.

      iex> pay(order, 1)
      :ok
  """
  @spec pay(t, integer) :: :ok
  def pay(order, amount \\ 0)

  def pay(%{total: 0}, _amount), do: :ok

  # A comment between two clauses.
  def pay(order, amount) when amount > 0 do
    check = fn x -> x > 0 end
    check.(order.total - amount)
  end

  def pay(order, amount, currency), do: {order, amount, currency}

  @doc false
  def hidden, do: 1

  @doc ~S"A sigil: \d."
  @impl true
  def handle_call(:get, _from, state) do
    {:reply, "ünï", state}
  end

  defp private?(x), do: x

  def a <~> b, do: {a, b}

  defguard is_large(x) when x > @limit

  defmacro debug(expression) do
    quote do
      unquote(expression)
    end
  end

  defdelegate total(order), to: Shop.Math

  @doc "Called back."
  @callback changed(t) :: :ok

  defmodule Line do
    def price(line), do: line.price
  end
end

defprotocol Shop.Payable do
  @doc "Whether it can be paid."
  def payable?(thing)
  def undocumented(thing)
end

defimpl Shop.Payable, for: Integer do
  def payable?(n), do: n > 0
end

defmodule Broken do
  def oops(, do: 
end

defmodule AfterTheError do
  def found, do: 1
end
