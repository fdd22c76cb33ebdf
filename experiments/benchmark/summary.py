def summarise(output, folder, tables, quick): print("later")
