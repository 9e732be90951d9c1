package shop

import groovy.transform.CompileStatic

final int LIMIT = 10

/**
 * Sells things.
 */
@CompileStatic
class Shop extends Base implements Closeable {
    static final int MAX = 3
    String name

    Shop(String name) {
        this.name = name
    }

    /** Sums up orders. */
    def total(List orders, String currency = 'EUR') {
        orders.findAll { it.currency == currency }.sum { it.total }
    }

    static void main(String[] args) {
        println new Shop('x')
    }

    private <T> List<T> all(T one) {
        return [one]
    }
}

interface Sells {
    void sell(String thing)
}

enum Color { RED, GREEN }

trait Logs {
    void log(String line) {
        println line
    }
}

// Deploys to a host.
def deploy(host) {
    sh "deploy ${host}"
}

task cleanAll(type: Delete) {
    delete buildDir
}

pipeline {
    stages {
        stage('Build') {
            steps { sh 'make' }
        }
    }
}

def broken(x {
    def y = (

def afterTheError() {
    "ünï"
}
