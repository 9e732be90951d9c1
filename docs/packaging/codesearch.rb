# A draft of a formula for Homebrew: nothing is published yet, so `url` and `sha256` are placeholders.
# `brew update-python-resources codesearch` writes the resources once the sdist is on PyPI.
class Codesearch < Formula
  include Language::Python::Virtualenv

  desc "Natural-language code search that runs offline on a laptop"
  homepage "https://codesearch.example/"
  url "https://files.pythonhosted.org/packages/source/c/codesearch-nl/codesearch_nl-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"

  depends_on "git"
  depends_on "python@3.12"

  def install
    # Wheels of dependencies: ONNX Runtime and tantivy take long to build.
    venv = virtualenv_create(libexec, "python3.12")
    system libexec/"bin/python", "-m", "pip", "install", "--only-binary=:all:", "--no-binary=codesearch-nl", buildpath
    bin.install_symlink libexec/"bin/codesearch", libexec/"bin/codesearch-lsp"
    man1.install "docs/codesearch.1"
  end

  test do
    (testpath/"area.py").write "def circle(radius):\n    return 3.14 * radius ** 2\n"
    assert_match "circle", shell_output("#{bin}/codesearch ask 'surface of a disk' #{testpath} -k 1")
  end
end
