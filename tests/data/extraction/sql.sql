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

-- Sums up the orders
-- of one customer.
CREATE OR REPLACE FUNCTION total_of(customer INTEGER) RETURNS NUMERIC AS $$
BEGIN
    RETURN (SELECT sum(total) FROM orders WHERE customer_id = customer);
END;
$$ LANGUAGE plpgsql;
