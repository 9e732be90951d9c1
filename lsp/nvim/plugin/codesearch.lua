-- Commands; nothing else is loaded before one of them is used.
if vim.g.loaded_codesearch then
  return
end
vim.g.loaded_codesearch = true

local function command(name, run, options)
  vim.api.nvim_create_user_command(name, function(given)
    run(require("codesearch"), given)
  end, options)
end

command("Codesearch", function(codesearch, given)
  codesearch.ask(given.args, { quickfix = given.bang })
end, {
  nargs = "*",
  bang = true,
  complete = function(lead)
    return require("codesearch.query").complete(lead)
  end,
  desc = "Ask the code in plain words; ! for the quickfix list",
})

command("CodesearchSimilar", function(codesearch, given)
  local lines = given.range > 0 and { given.line1, given.line2 } or nil
  codesearch.similar({ quickfix = given.bang, lines = lines })
end, { range = true, bang = true, desc = "Find code similar to the function around the cursor, or to lines" })

command("CodesearchMore", function(codesearch)
  codesearch.more()
end, { desc = "Show the results after those of the last answer" })

command("CodesearchReindex", function(codesearch)
  codesearch.reindex()
end, { desc = "Bring the index up to date" })

command("CodesearchStatus", function(codesearch)
  codesearch.show_status()
end, { desc = "Show the state of the index" })

command("CodesearchRestart", function(codesearch)
  codesearch.restart()
end, { desc = "Restart the server" })
