using System;

namespace Shop.Orders
{
    /// <summary>
    /// One order of a <see cref="T:Customer"/>.
    /// </summary>
    [Serializable]
    public class Order<T> : Base, IOrder where T : class
    {
        private int total = 1; // a trailing comment

        /// <summary>Makes one.</summary>
        public Order(int total) : base(total)
        {
            this.total = total;
        }

        public string Name { get; set; }

        public int Total
        {
            get { return total; }
            set { total = value; }
        }

        /// <summary>Whether it is paid.</summary>
        public bool Paid => total == 0;

        /// <summary>Pays it.</summary>
        /// <param name="amount">How much.</param>
        [Obsolete]
        public async Task<U> Pay<U>(U amount) where U : struct
        {
            int Local(int x) { return x; }
            return await Task.FromResult(amount);
        }

        public int Twice() => total * 2;

        public static bool operator ==(Order<T> a, Order<T> b) { return true; }

        public int this[int index] { get { return index; } }

        ~Order() { }
    }

    interface IOrder
    {
        /// <summary>Cancels it.</summary>
        void Cancel();
        void Undocumented();
    }

    struct Line { public int X; }

    enum State { Open, Closed }

    public record Point(int X, int Y);

    public delegate void Changed(int total);

    class Broken
    {
        void Oops( { int = ; }
    }

    static class Extensions
    {
        public static string Ünï(this string s) { return s; }
    }
}
