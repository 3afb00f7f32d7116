// A key that gives no answer says so on the page, in place of the console.
document.addEventListener('allauth.error', (event) => {
  const fault = document.getElementById('key_fault')
  if (fault) {
    fault.hidden = false
    event.preventDefault()
  }
})
