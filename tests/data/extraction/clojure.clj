(ns shop.core
  "Tools of the shop."
  (:require [clojure.string :as str]))

(def limit 10)

(def ^:private cache (atom {}))

(defn total
  "Sums up the orders of a customer."
  [orders currency]
  (->> orders
       (filter #(= currency (:currency %)))
       (map :total)
       (reduce +)))

;; Adds one.
(defn- add-one [x] (inc x))

(defn ^String label
  ([x] (label x "EUR"))
  ([x currency] (str x currency)))

(defmacro unless [test & body]
  `(if ~test nil (do ~@body)))

(defprotocol Shop
  "Sells things."
  (sell [this thing] "Sells one.")
  (close [this]))

(defrecord Kiosk [name]
  Shop
  (sell [this thing]
    (println thing))
  (close [this] nil))

(defmulti area :shape)

(defmethod area :circle [{:keys [radius]}]
  (* 3 radius radius))

(s/fdef total :args (s/cat))

#?(:clj (defn jvm-only [] 1))

(comment (total [] "EUR"))

(deftest total-test
  (is (= 0 (total [] "EUR"))))

(defn broken [x
  (let [y

(defn after-the-error []
  "ünï")
