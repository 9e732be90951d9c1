# The shop.
CC := gcc
LIMIT = 10

include common.mk

.PHONY: all clean

# Builds all.
all: shop tests

shop: main.o order.o
	$(CC) -o $@ $^

%.o: %.c
	$(CC) -c $<

# Takes all away.
clean:
	rm -f *.o
	rm -f shop

define run_tests
	./tests $(1)
endef

ifeq ($(DEBUG),1)
debug-build: shop
	strip $<
endif

$(OUT)/%.d: ; 

broken: $(

found: all
	echo "ünï"
