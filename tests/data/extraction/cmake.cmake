# The shop.
cmake_minimum_required(VERSION 3.20)
project(shop LANGUAGES CXX)

set(SHOP_LIMIT 10)
option(SHOP_TESTS "Build the tests" ON)

# Adds a shop to the build.
function(add_shop name)
  cmake_parse_arguments(ARG "" "KIND" "" ${ARGN})
  add_library(${name} ${ARG_UNPARSED_ARGUMENTS})
endfunction()

macro(shop_log text)
  message(STATUS "${text}")
endmacro()

# The program.
add_executable(shop
  main.cpp
  order.cpp)

if(SHOP_TESTS)
  add_library(shop_tests STATIC tests.cpp)
  add_custom_target(check COMMAND ctest)
endif()

function(broken
  set(x (

function(after_the_error)
  message("ünï")
endfunction()
