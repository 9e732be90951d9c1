-- `:Telescope codesearch`
return require("telescope").register_extension({
  exports = {
    codesearch = function()
      require("codesearch").ask("")
    end,
    similar = function()
      require("codesearch").similar()
    end,
  },
})
