// Copyright 2024 The Authors.
import 'dart:math';

const int kLimit = 10;

/// Makes names that nobody has yet.
class AliasGenerator {
  final Random _random;

  AliasGenerator(this._random);

  /// Draws an adjective and a fruit.
  String generateRandomAlias() {
    if (adjectives.isEmpty) {
      return '';
    }
    return '$adjective $fruit';
  }

  Future<void> save(String path) async {
    await write(path);
  }
}

enum Color { red, green }

int found(int a) {
  return a + 1;
}
