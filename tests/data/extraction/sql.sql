-- The schema of the shop.

CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    total NUMERIC(12, 2) NOT NULL DEFAULT 0,
    currency CHAR(3) NOT NULL DEFAULT 'EUR',
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    note TEXT CHECK (length(note) < 1000)
);

CREATE INDEX orders_by_customer ON orders (customer_id);

-- Sums up the orders
-- of one customer.
CREATE OR REPLACE FUNCTION total_of(customer INTEGER) RETURNS NUMERIC AS $$
BEGIN
    RETURN (SELECT sum(total) FROM orders WHERE customer_id = customer);
END;
$$ LANGUAGE plpgsql;

/* Customers that buy. */
CREATE VIEW shop.active_customers AS
SELECT customer_id, count(*) AS orders
FROM orders
GROUP BY customer_id;

CREATE PROCEDURE dbo.CloseOrder @OrderId INT AS
BEGIN
    UPDATE orders SET total = 0 WHERE id = @OrderId;
END
GO

CREATE TRIGGER touch_order BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE ((;

CREATE TYPE found AS ENUM ('red', 'green');
