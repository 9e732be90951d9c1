// Copyright 2024 The Authors.
import 'dart:math';

const int kLimit = 10;

/// What is called with a name.
typedef Callback = void Function(String name);

/// Makes names that nobody has yet.
@immutable
class AliasGenerator extends Generator with Logging {
  static const int tries = 3;
  final Random _random;

  AliasGenerator(this._random);

  AliasGenerator.seeded(int seed) : _random = Random(seed) {
    log('seeded');
  }

  factory AliasGenerator.standard() {
    return AliasGenerator(Random());
  }

  /// Draws an adjective and a fruit.
  @override
  String generateRandomAlias() {
    if (adjectives.isEmpty) {
      return '';
    }
    return '$adjective $fruit';
  }

  int get size => adjectives.length;

  set seed(int value) {
    reset(value);
  }

  bool operator ==(Object other) => other is AliasGenerator;

  static Future<void> save(String path) async {
    await write(path);
  }
}

mixin Logging on Generator {
  void log(String line) {
    print(line);
  }
}

/// Colours of the shop.
enum Color {
  red,
  green;

  String get label => name.toUpperCase();
}

extension Shorten on String {
  String shortened(int length) => substring(0, length);
}

/// Adds one.
int found(int a) {
  return a + 1;
}

bool isEven(int a) => a % 2 == 0;

class Broken {
  void broken( {
    var x = (;
  }
}

void afterTheError() {
  print("ünï");
}
