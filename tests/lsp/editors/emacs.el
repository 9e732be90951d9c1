;;; emacs.el --- a question through eglot, first by xref, then by the command of docs/guide/editors.md  -*- lexical-binding: t -*-

(require 'package)
(package-initialize)
(require 'eglot)
(require 'json)

(defvar report nil)

(defun note (name value)
  (push (cons name value) report))

(defun here ()
  `((file . ,(buffer-file-name))
    (number . ,(line-number-at-pos))
    (line . ,(buffer-substring-no-properties (line-beginning-position) (line-end-position)))))

(defun go-to (answer)
  "Go to the first match of ANSWER in the buffer of cross references, as a person would."
  (pop-to-buffer "*xref*")
  (goto-char (point-min))
  (search-forward answer)
  (xref-goto-xref)
  (set-buffer (window-buffer (selected-window))))

(condition-case fault
    (let ((question (getenv "QUESTION")) (answer (getenv "ANSWER")))
      (load (getenv "CONFIGURATION") nil t)
      (find-file (expand-file-name "pygls/server.py" (getenv "ROOT")))
      (setq eglot-sync-connect 60)
      (apply #'eglot (eglot--guess-contact))
      (note 'started (and (eglot-current-server) t))
      (xref-find-apropos question)
      (go-to answer)
      (note 'xref (here))
      (kill-buffer)
      (find-file (expand-file-name "pygls/server.py" (getenv "ROOT")))
      (let ((completing-read-function
             (lambda (_prompt collection &rest _)
               (let ((choices (all-completions "" collection)))
                 (note 'offered (vconcat choices))
                 (seq-find (lambda (choice) (string-match-p (regexp-quote answer) choice)) choices)))))
        (codesearch-ask question))
      (note 'asked (here))
      (eglot-shutdown-all))
  (error (note 'fault (error-message-string fault))))

(with-temp-file (getenv "REPORT")
  (insert (json-encode report)))
